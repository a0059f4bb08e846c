// The webhooks of a tenant: all figures in a table, or, with one selected, a short list with its panel beside it.
import { Button } from '@mantine/core';
import { IconPlus, IconWebhook } from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Subscription, useSubscriptions } from '../../api/queries/subscriptions';
import { useWebhookFigures } from '../../api/queries/webhookFigures';
import { usePaging } from '../../api/usePaging';
import { DataTable } from '../../parts/DataTable';
import { EmptyState } from '../../parts/EmptyState';
import { PageHeader } from '../../parts/PageHeader';
import type { PagerProps } from '../../parts/Pager';
import { Allowed, useSession } from '../../session/useSession';
import { ShortList } from './ShortList';
import { useColumns } from './useColumns';
import { useIsSplit } from './useIsSplit';
import classes from './webhooks.module.css';

const PAGE = 50;

export default function Webhooks() {
  const { t } = useTranslation();
  const { can } = useSession();
  const { id: selected } = useParams({ strict: false });
  const hasRoom = useIsSplit();
  const isSplit = hasRoom && selected !== undefined;
  // without room for both the selected one has the screen, and its cross leads back to the list
  const isHidden = !hasRoom && selected !== undefined;
  const go = useNavigate();
  const paging = usePaging();
  const list = useSubscriptions({ active: 'all', limit: PAGE, cursor: paging.cursor });
  const rows = list.data?.data;
  const figures = useWebhookFigures(rows?.map(({ id }) => id) ?? []);
  const columns = useColumns(figures.data);
  const open = ({ id }: Subscription) => go({ to: '/webhooks/$id', params: { id }, resetScroll: false });
  const pager: PagerProps = { ...paging, nextCursor: list.data?.next_cursor, isStale: list.isPlaceholderData };
  return (
    <>
      <PageHeader
        title={t('webhooks.title')}
        lead={t('webhooks.lead')}
        actions={
          <Allowed to="manage">
            <NewButton />
          </Allowed>
        }
      />
      <div className={classes.split} data-open={isSplit || undefined}>
        {isHidden ? null : isSplit && rows !== undefined && rows.length > 0 ? (
          <ShortList rows={rows} figures={figures.data} selected={selected} pager={pager} />
        ) : (
          <DataTable
            label={t('webhooks.title')}
            columns={columns}
            rows={rows}
            rowKey={({ id }) => id}
            error={list.error}
            onRetry={list.refetch}
            onOpen={open}
            selectedKey={selected}
            pager={pager}
            empty={
              <EmptyState
                icon={IconWebhook}
                title={t('webhooks.empty.title')}
                detail={t(can('manage') ? 'webhooks.empty.detail' : 'webhooks.empty.readOnly')}
                action={can('manage') && <NewButton />}
              />
            }
          />
        )}
        <Outlet />
      </div>
    </>
  );
}

function NewButton() {
  const { t } = useTranslation();
  return (
    <Button
      renderRoot={(props) => <Link to="/webhooks/new" {...props} />}
      leftSection={<IconPlus size={16} aria-hidden />}
    >
      {t('webhooks.new')}
    </Button>
  );
}
