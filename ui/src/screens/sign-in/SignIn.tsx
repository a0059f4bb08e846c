// The way in: one field for a tenant's key or the operator's token, and where to get one.
import { ActionIcon, Alert, Anchor, Button, Collapse, PasswordInput, Popover, Stack, Text, Title } from '@mantine/core';
import { useDisclosure, useDocumentTitle } from '@mantine/hooks';
import { IconChevronDown, IconClockOff, IconLanguage } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { Preferences } from '../../layout/Preferences';
import { Horn } from '../../layout/Wordmark';
import { CodeBlock } from '../../parts/CodeBlock';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { identify } from '../../session/identify';
import { type SignedOutBecause, startSession } from '../../session/store';
import classes from './signIn.module.css';

const CREATE_KEY = 'posthorn keys create --tenant <tenant id> --name "admin page"';

export function SignIn({ because }: { because: SignedOutBecause | null }) {
  const { t } = useTranslation();
  useDocumentTitle(`${t('signIn.title')}`);
  return (
    <div className={classes.page}>
      <div className={classes.corner}>
        <Popover position="bottom-end" width={228} shadow="md" trapFocus returnFocus>
          <Popover.Target>
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.settings')}>
              <IconLanguage size={20} stroke={1.7} aria-hidden />
            </ActionIcon>
          </Popover.Target>
          <Popover.Dropdown p="sm" aria-label={t('shell.settings')}>
            <Preferences />
          </Popover.Dropdown>
        </Popover>
      </div>
      <main className={classes.panel}>
        <Stack gap={4} align="center" mb="lg">
          <div className={classes.mark}>
            <Horn size={34} />
          </div>
          <Title order={1} ta="center">
            {t('signIn.title')}
          </Title>
          <Text c="dimmed" ta="center">
            {t('signIn.lead')}
          </Text>
        </Stack>
        {because === 'expired' && (
          <Alert role="status" color="yellow" variant="light" icon={<IconClockOff aria-hidden />} mb="md">
            {t('signIn.expired')}
          </Alert>
        )}
        <TokenForm />
        <WhereToGetOne />
      </main>
    </div>
  );
}

function TokenForm() {
  const { t } = useTranslation();
  const [token, setToken] = useState('');
  const [message, setMessage] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [isShown, setIsShown] = useState(false);

  async function enter(submit?: FormEvent) {
    submit?.preventDefault();
    setError(null);
    setMessage(null);
    const typed = token.trim();
    if (typed === '') return setMessage(t('signIn.empty'));
    setIsBusy(true);
    try {
      startSession(await identify({ token: typed, tenantId: null, isPortal: false }));
    } catch (failure) {
      setIsBusy(false);
      const status = failure instanceof ApiProblem ? failure.status : null;
      if (status === 401) setMessage(`${t('signIn.wrong')}. ${t('signIn.wrongDetail')}`);
      else if (status === 403) setMessage(`${t('signIn.forbidden')}. ${t('signIn.forbiddenDetail')}`);
      else setError(failure);
    }
  }

  return (
    <form className={classes.card} onSubmit={enter} noValidate>
      <Stack gap="md">
        <PasswordInput
          label={t('signIn.token')}
          description={t('signIn.tokenHint')}
          placeholder="phk_…"
          size="md"
          value={token}
          onChange={(change) => setToken(change.currentTarget.value)}
          error={message}
          aria-invalid={message !== null}
          errorProps={{ role: 'alert' }}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          data-autofocus
          autoFocus
          visible={isShown}
          onVisibilityChange={setIsShown}
          visibilityToggleButtonProps={{ tabIndex: 0, 'aria-label': t(isShown ? 'signIn.hide' : 'signIn.show') }}
        />
        <ProblemAlert error={error} onRetry={() => enter()} />
        <Button type="submit" size="md" fullWidth loading={isBusy}>
          {t('signIn.submit')}
        </Button>
      </Stack>
    </form>
  );
}

function WhereToGetOne() {
  const { t } = useTranslation();
  const [isOpen, { toggle }] = useDisclosure();
  return (
    <div className={classes.where}>
      <Anchor component="button" type="button" c="dimmed" size="md" aria-expanded={isOpen} onClick={toggle}>
        {t('signIn.where')} <IconChevronDown size={14} aria-hidden className={classes.chevron} />
      </Anchor>
      <Collapse expanded={isOpen}>
        <Stack gap="xs" pt="sm">
          <Text size="sm">{t('signIn.whereDetail')}</Text>
          <CodeBlock label={t('signIn.where')} text={CREATE_KEY} wrap />
          <Text size="sm" c="dimmed">
            {t('signIn.whereMore')}
          </Text>
          <Text size="sm" c="dimmed">
            {t('signIn.whereDev')}
          </Text>
        </Stack>
      </Collapse>
    </div>
  );
}
