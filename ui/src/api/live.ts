// How often visible lists are asked for again, in milliseconds. Hidden tabs do not ask (TanStack Query's default).
export const LIVE_LIST = 2_000;
/** While a job or a test runs. */
export const LIVE_PROGRESS = 1_000;
