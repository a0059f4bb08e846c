// A change whose outcome is told to the reader in any case.
import type { UseMutationResult } from '@tanstack/react-query';

/**
 * Asks for the change, and calls `then` when it worked. Callbacks given to `mutate` are forgotten when the component that asked is
 * taken off the page, as happens when what it shows is gone. What was refused stands in `change.error`.
 */
export function act<Input, Answer>(
  change: Pick<UseMutationResult<Answer, Error, Input>, 'mutateAsync'>,
  input: Input,
  then: (answer: Answer) => void,
): void {
  change.mutateAsync(input).then(then, () => undefined);
}
