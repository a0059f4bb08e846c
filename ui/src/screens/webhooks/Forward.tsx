// Leaves for another screen once the form around it knows that it is saved.
import { useEffect } from 'react';

export function Forward({ to }: { to: () => void }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => {
    to();
  }, []);
  return null;
}
