/** A valid canvas whose text names it, so that versions can be told apart. */
export const canvasBytes = (text: string, nodes = 1): Buffer =>
  Buffer.from(
    JSON.stringify(
      {
        nodes: Array.from({ length: nodes }, (_unused, index) => ({
          id: `n${index}`,
          type: 'text',
          text,
          x: index,
          y: 0,
          width: 100,
          height: 50,
        })),
        edges: [],
      },
      null,
      '\t',
    ),
  );
