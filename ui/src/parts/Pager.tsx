// Newer and older by keyset (see `usePaging`), or "load more".
import { Button, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import classes from './parts.module.css';

export type PagerProps =
  | {
      kind: 'pages';
      page: number;
      /** Of the answer; null or undefined on the last page. */
      nextCursor: string | null | undefined;
      next: (cursor: string) => void;
      previous: () => void;
    }
  | { kind: 'more'; hasMore: boolean; isLoading: boolean; onMore: () => void };

/** Nothing, when everything is on one page. */
export function Pager(props: PagerProps) {
  const { t } = useTranslation();
  if (props.kind === 'more') {
    if (!props.hasMore) return null;
    return (
      <div className={classes.foot}>
        <Button variant="subtle" size="compact-md" loading={props.isLoading} onClick={props.onMore}>
          {t('common.paging.more')}
        </Button>
      </div>
    );
  }
  const { page, nextCursor, next, previous } = props;
  if (page === 1 && !nextCursor) return null;
  return (
    <nav className={classes.foot} aria-label={t('common.paging.label')}>
      <Text size="sm" c="dimmed" mr="auto" ml={4}>
        {t('common.paging.page', { page })}
      </Text>
      <Button
        variant="default"
        size="xs"
        disabled={page === 1}
        onClick={previous}
        leftSection={<IconChevronLeft size={15} aria-hidden />}
      >
        {t('common.paging.previous')}
      </Button>
      <Button
        variant="default"
        size="xs"
        disabled={!nextCursor}
        onClick={() => nextCursor && next(nextCursor)}
        rightSection={<IconChevronRight size={15} aria-hidden />}
      >
        {t('common.paging.next')}
      </Button>
    </nav>
  );
}
