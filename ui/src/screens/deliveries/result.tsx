// The last result of a delivery in a few words.
import { Text } from '@mantine/core';
import type { TFunction } from 'i18next';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Delivery } from '../../api/queries/deliveries';
import { en } from '../../i18n/en';

type Kind = keyof typeof en.deliveries.errorKind;

/** Words of an error kind; one that this page does not know is shown as it is. */
export function errorKindWords(kind: string, t: TFunction): string {
  return isKind(kind) ? t(`deliveries.errorKind.${kind}`) : kind;
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(en.deliveries.errorKind, kind);
}

export function useResultWords(): (row: Delivery) => ReactNode {
  const { t } = useTranslation();
  return ({ last_status_code: code, last_error_kind: kind, attempts }) => {
    // the code says what these kinds say
    const isSaid = code && (kind === 'server_error' || kind === 'client_error' || kind === 'unexpected_status');
    const words = [code && t('deliveries.http', { code }), kind && !isSaid && errorKindWords(kind, t)].filter(Boolean);
    if (words.length > 0) return words.join(' · ');
    return (
      <Text span c="dimmed" inherit>
        {attempts === 0 ? t('deliveries.noAnswer') : t('common.none')}
      </Text>
    );
  };
}
