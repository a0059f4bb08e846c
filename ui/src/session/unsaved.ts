// Whether something is typed on the page that leaving it would lose: the router asks by itself, what is beside it has to ask too.
const typed = new Set<symbol>();

/** Until the function that comes back is called. */
export function holdUnsaved(): () => void {
  const one = Symbol('unsaved');
  typed.add(one);
  return () => typed.delete(one);
}

export const hasUnsaved = (): boolean => typed.size > 0;
