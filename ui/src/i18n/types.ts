// The shape of a translation: every key that English has, with a text of its own.
export type Translated<T> = { readonly [K in keyof T]: T[K] extends string ? string : Translated<T[K]> };
