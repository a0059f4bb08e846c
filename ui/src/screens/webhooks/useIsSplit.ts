// Whether there is room for the list and the panel side by side.
import { useMediaQuery } from '@mantine/hooks';

const QUERY = '(min-width: 68em)';

export function useIsSplit(): boolean {
  return useMediaQuery(QUERY, window.matchMedia(QUERY).matches, { getInitialValueInEffect: false });
}
