// Newer and older by keyset (see `usePaging`).
import { Button, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import classes from './parts.module.css';

export type PagerProps = {
  page: number;
  /** Of the answer; null or undefined on the last page. */
  nextCursor: string | null | undefined;
  /** What is shown is still the answer before: its cursor leads to where one is going already. */
  isStale: boolean;
  next: (cursor: string) => void;
  previous: () => void;
};

/** Nothing, when everything is on one page. */
export function Pager({ page, nextCursor, isStale, next, previous }: PagerProps) {
  const { t } = useTranslation();
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
        // for a moment only: it keeps the focus
        aria-disabled={isStale || undefined}
        onClick={() => nextCursor && !isStale && next(nextCursor)}
        rightSection={<IconChevronRight size={15} aria-hidden />}
      >
        {t('common.paging.next')}
      </Button>
    </nav>
  );
}
