// What signs requests, and by which headers.
import { Alert, Checkbox, Group, PasswordInput, Radio, Stack } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useForm } from './state';
import { FAMILIES, type FormValues } from './values';

const KINDS = ['hmac', 'ed25519', 'none'] as const;

/** `before`: how the stored one signs; undefined for a new one. */
export function SigningFields({ before }: { before: FormValues['signing'] | undefined }) {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  const choose = (kind: FormValues['signing']) => {
    set('signing', kind);
    // what was typed for another kind is no secret of this one, and may stand in no field
    set('secret', '');
    // the other families are HMAC signatures
    if (kind === 'ed25519') set('header_families', ['standard']);
    else if (values.signing === 'ed25519') set('header_families', [...FAMILIES]);
  };
  const isSigned = values.signing !== 'none';
  const needsSecret = isSigned && values.signing !== before;
  return (
    <Stack gap="md">
      <Radio.Group
        label={t('webhooks.form.signing.label')}
        description={t('webhooks.form.signing.help')}
        value={values.signing}
        error={errorOf('signing')}
        onChange={(value) => choose(KINDS.find((one) => one === value) ?? 'hmac')}
      >
        <Stack gap="xs" mt="xs">
          {KINDS.map((kind) => (
            <Radio
              key={kind}
              value={kind}
              label={t(`webhooks.form.signing.${kind}`)}
              description={t(`webhooks.form.signing.${kind}Help`)}
            />
          ))}
        </Stack>
      </Radio.Group>
      {!isSigned && (
        <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />}>
          {t('webhooks.form.signing.warning')}
        </Alert>
      )}
      {needsSecret && (
        <PasswordInput
          id="field-secret"
          label={t('webhooks.form.secret.label')}
          description={t('webhooks.form.secret.help')}
          autoComplete="new-password"
          value={values.secret}
          error={errorOf('secret')}
          onChange={(change) => set('secret', change.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': t('webhooks.form.showSecret'), tabIndex: 0 }}
        />
      )}
      {isSigned && (
        <Checkbox.Group
          label={t('webhooks.form.header_families.label')}
          description={t('webhooks.form.header_families.help')}
          value={values.header_families}
          error={errorOf('header_families')}
          onChange={(chosen) =>
            set(
              'header_families',
              FAMILIES.filter((one) => chosen.includes(one)),
            )
          }
        >
          <Group gap="lg" mt="xs">
            {FAMILIES.map((family) => (
              <Checkbox
                key={family}
                value={family}
                disabled={values.signing === 'ed25519'}
                label={family}
                description={t(`webhooks.form.header_families.${family}`)}
              />
            ))}
          </Group>
        </Checkbox.Group>
      )}
    </Stack>
  );
}
