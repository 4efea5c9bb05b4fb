import type { FastifyRequest } from 'fastify';
import { Problem } from '../../errors.js';
import { uploadBroken, uploadInvalid } from './errors.js';
import type { Imports, SpooledUpload } from './imports.js';

/**
 * The form of an upload: one file field `file`, and text fields as named by the caller. The file is spooled as it
 * comes; fields may stand before or after it.
 * @param fieldNames text fields that are understood
 * @returns the spooled file and the text fields given
 * @throws Problem IMPORT_UPLOAD_INVALID, IMPORT_UPLOAD_BROKEN and those of `Imports.receive`; nothing is left then
 * @source RFC 7578; product contract, Trajectories ("POST /api/import/json (multipart file)")
 */
export async function readUploadForm(
  request: FastifyRequest,
  imports: Imports,
  fieldNames: readonly string[],
): Promise<{ upload: SpooledUpload; fields: Record<string, string> }> {
  if (!request.isMultipart()) throw uploadInvalid('Expected a multipart form with one file field "file"');
  const fields: Record<string, string> = {};
  let upload: SpooledUpload | undefined;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'file') {
        if (part.fieldname !== 'file')
          throw uploadInvalid(`Expected a file field "file", got ${shown(part.fieldname)}`);
        if (upload) throw uploadInvalid('Expected one file, got more');
        upload = await imports.receive(part.file, false);
      } else {
        if (!fieldNames.includes(part.fieldname) || part.fieldname in fields || part.valueTruncated) {
          const expected = `Expected the fields file, ${fieldNames.join(', ')}, each once`;
          throw uploadInvalid(`${expected}, got ${shown(part.fieldname)}`);
        }
        fields[part.fieldname] = String(part.value);
      }
    }
    if (!upload) throw uploadInvalid('Expected a file field "file", got none');
    return { upload, fields };
  } catch (error) {
    await upload?.discard();
    throw error instanceof Problem ? error : asProblem(error);
  }
}

const shown = (name: string) => JSON.stringify(name.slice(0, 60));

/** The form parser's own refusals are about its limits; all else means that the form ended early or is damaged. */
function asProblem(error: unknown): Problem {
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (statusCode === 413) return uploadInvalid('Expected one file and few fields, got more parts than that');
  if (code === 'FST_PROTO_VIOLATION') return uploadInvalid('Expected the documented field names only');
  return uploadBroken(error);
}
