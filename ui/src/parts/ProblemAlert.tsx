// An error in words: what the API said with its advice, or that nothing answered, with a way to try again.
import { Alert, Button, List, Text } from '@mantine/core';
import { IconAlertCircle, IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ApiProblem, isPassing, Unreachable } from '../api';
import { describeProblem } from './describeProblem';
import { ForeignText } from './ForeignText';

type Props = {
  /** Null and undefined show nothing. */
  error: unknown;
  /** Offered for what may pass by itself. */
  onRetry?: () => void;
  /** Fields whose messages the form shows itself: an error that is all of theirs is not told twice. */
  shownFields?: readonly string[];
};

export function ProblemAlert({ error, onRetry, shownFields = [] }: Props) {
  const { t } = useTranslation();
  if (error === null || error === undefined) return null;
  const { title, detail } = describeProblem(error, t);
  const all = error instanceof ApiProblem ? error.errors : [];
  // of `example/parcel` the field is `example`
  const rules = all.filter(({ field }) => !shownFields.includes(field.split('/')[0] ?? field));
  if (all.length > 0 && rules.length === 0) return null;
  const Icon = error instanceof Unreachable ? IconPlugConnectedX : IconAlertCircle;
  return (
    <Alert role="alert" color="red" variant="light" radius="md" icon={<Icon aria-hidden />} title={title}>
      {rules.length > 0 ? (
        <List size="md" spacing={2}>
          {rules.map(({ field, rule, message }) => (
            <List.Item key={`${field}/${rule}/${message}`}>
              {field && (
                <Text span ff="monospace" size="sm" fw={600}>
                  {field}
                </Text>
              )}{' '}
              <ForeignText text={message} />
            </List.Item>
          ))}
        </List>
      ) : (
        detail && <ForeignText text={detail} />
      )}
      {onRetry && isPassing(error) && (
        <Button mt="sm" size="xs" variant="default" onClick={onRetry}>
          {t('common.retry')}
        </Button>
      )}
    </Alert>
  );
}
