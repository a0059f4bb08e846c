// “3 new”: stays in sight while a list holds still; brings the newest into view.
import { IconArrowUp } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import classes from './live.module.css';

export function FreshChip({ count, hasMore, onShow }: { count: number; hasMore: boolean; onShow: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const n = `${format.number(count)}${hasMore ? '+' : ''}`;
  return (
    <div className={classes.freshPlace} role="status">
      {count > 0 && (
        <button type="button" className={classes.fresh} onClick={onShow} title={t('deliveries.showFresh')}>
          <IconArrowUp size={14} stroke={2.2} aria-hidden />
          {t('deliveries.fresh', { count, n })}
        </button>
      )}
    </div>
  );
}
