// The cache of what the API answered; emptied when somebody else, or another tenant, is looked at.
import { QueryClient } from '@tanstack/react-query';
import { onSessionChange } from '../session/store';
import { isPassing } from './problem';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (failures, error) => failures < 2 && isPassing(error),
    },
    mutations: {
      // the answers of some mutations hold a secret: none stays behind
      gcTime: 0,
    },
  },
});

onSessionChange(() => queryClient.clear());
