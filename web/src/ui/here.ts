// For a table of rows that are here already: nothing is asked for, so nothing can be pending or fail.
export const HERE = {
  isPending: false,
  isPlaceholderData: false,
  error: null,
  refetch: () => {},
};
