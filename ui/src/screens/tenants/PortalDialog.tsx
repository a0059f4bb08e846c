// Makes a link into one tenant's page, and shows it this one time.
import { Button, Checkbox, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Tenant, useCreatePortalLink } from '../../api/queries/tenants';
import { useFormat } from '../../format';
import { ForeignText } from '../../parts/ForeignText';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { SecretOnce } from '../../parts/SecretOnce';

const DURATIONS = ['900', '3600', '28800', '86400'] as const;
type Duration = (typeof DURATIONS)[number];
type Made = { url: string; name: string; expiresAt: string };

export function PortalDialog({ tenant, onClose }: { tenant: Tenant | null; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [made, setMade] = useState<Made | null>(null);
  return (
    <>
      <Modal
        opened={tenant !== null && made === null}
        onClose={onClose}
        title={
          <Text fw={600}>
            <ForeignText text={t('tenants.portal.title', { name: tenant?.name || (tenant?.id ?? '') })} />
          </Text>
        }
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        {tenant && <Form tenant={tenant} onClose={onClose} onMade={setMade} />}
      </Modal>
      <SecretOnce
        secret={made?.url ?? null}
        title={t('tenants.portal.made')}
        onClose={() => {
          setMade(null);
          onClose();
        }}
      >
        {made && (
          <ForeignText
            text={t('tenants.portal.madeDetail', { name: made.name, when: format.dateTime(made.expiresAt) })}
          />
        )}
      </SecretOnce>
    </>
  );
}

type FormProps = { tenant: Tenant; onClose: () => void; onMade: (made: Made) => void };

function Form({ tenant, onClose, onMade }: FormProps) {
  const { t } = useTranslation();
  const create = useCreatePortalLink();
  const [permissions, setPermissions] = useState<string[]>(['read', 'manage']);
  const [duration, setDuration] = useState<Duration>('3600');
  const send = () =>
    create.mutate(
      { tenant_id: tenant.id, permissions, expires_in_seconds: Number(duration) },
      {
        onSuccess: ({ url, expires_at }) =>
          onMade({ url: absolute(url), name: tenant.name || tenant.id, expiresAt: expires_at }),
      },
    );
  return (
    <form
      onSubmit={(submit) => {
        submit.preventDefault();
        send();
      }}
    >
      <Stack gap="md">
        <Text>{t('tenants.portal.lead')}</Text>
        <Checkbox.Group
          label={t('tenants.portal.permissions')}
          value={permissions}
          onChange={(chosen) => setPermissions(['read', ...chosen.filter((one) => one !== 'read')])}
        >
          <Stack gap="xs" mt="xs">
            <Checkbox value="read" label={t('tenants.portal.read')} disabled />
            <Checkbox value="publish" label={t('tenants.portal.publish')} />
            <Checkbox value="manage" label={t('tenants.portal.manage')} />
          </Stack>
        </Checkbox.Group>
        <Select
          label={t('tenants.portal.lasts')}
          data={DURATIONS.map((value) => ({ value, label: t(`tenants.portal.durations.${value}`) }))}
          value={duration}
          onChange={(value) => setDuration(DURATIONS.find((one) => one === value) ?? duration)}
          allowDeselect={false}
        />
        <ProblemAlert error={create.error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={create.isPending}>
            {t('tenants.portal.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Where the server does not know its own address, the link leads to where this page is. */
function absolute(url: string): string {
  if (/^https?:/.test(url)) return url;
  const page = new URL('.', window.location.href);
  page.hash = url.slice(url.indexOf('#'));
  return page.href;
}
