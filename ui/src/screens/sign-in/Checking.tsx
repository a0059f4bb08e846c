// Between a token and a session: asks what the token may do.
import { Center, Container, Loader, Stack, Text } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isPassing } from '../../api/problem';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { identify } from '../../session/identify';
import { endSession, type Stored, sessionState, startSession } from '../../session/store';

export function Checking({ stored }: { stored: Stored }) {
  const { t } = useTranslation();
  const [error, setError] = useState<unknown>(null);
  const check = useCallback(async () => {
    setError(null);
    try {
      const session = await identify(stored);
      const now = sessionState();
      if (now.status === 'checking' && now.stored === stored) startSession(session);
    } catch (failure) {
      // what asking again may mend is shown with a way to do so; anything else would come back with every reload
      if (isPassing(failure)) setError(failure);
      else endSession('expired', stored.token);
    }
  }, [stored]);
  useEffect(() => {
    void check();
  }, [check]);
  return (
    <Center component="main" mih="100dvh">
      {error ? (
        <Container size="xs">
          <ProblemAlert error={error} onRetry={check} />
        </Container>
      ) : (
        <Stack align="center" gap="sm" role="status">
          <Loader size="sm" aria-hidden />
          <Text c="dimmed">{t('signIn.checking')}</Text>
        </Stack>
      )}
    </Center>
  );
}
