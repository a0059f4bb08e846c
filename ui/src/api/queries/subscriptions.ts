// Webhooks (subscriptions): keys, reads and changes. The example that the other resources follow.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type JsonText, memberText, prettyJson, printMembers } from '../../format/rawJson';
import { ApiProblem, type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type Subscription = Schema<'Subscription'>;
export type SubscriptionFilter = { active?: Schema<'Active'>; event?: string; cursor?: string; limit?: number };
/** A state of a subscription and the tag by which a change says that it is meant for this one. */
export type Tagged = { subscription: SubscriptionRecord; etag: string };
/** Its metadata with the digits of its numbers; empty when there is none. */
export type SubscriptionRecord = Subscription & { metadataText: string };
type WithText<Body> = Omit<Body, 'metadata'> & { metadata?: JsonText | null };
type WithPayload<Body> = Omit<Body, 'payload'> & { payload?: JsonText };
export type SubscriptionInput = WithText<Schema<'SubscriptionInput'>>;
export type SubscriptionChange = WithText<Schema<'SubscriptionChange'>>;

export const subscriptionKeys = {
  all: ['subscriptions'] as const,
  list: (filter: SubscriptionFilter) => ['subscriptions', 'list', filter] as const,
  known: ['subscriptions', 'known'] as const,
  one: (id: string) => ['subscriptions', 'one', id] as const,
  /** The state that a form began with: not touched by what changes meanwhile. */
  edited: (id: string) => ['edited-subscription', id] as const,
};

const byId = (id: string) => ({ path: { id } });

/** One page of the list, kept fresh while it is visible. */
export function useSubscriptions(filter: SubscriptionFilter = {}) {
  return useQuery({
    queryKey: subscriptionKeys.list(filter),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/subscriptions', { params: { query: filter }, signal })),
    refetchInterval: LIVE_LIST,
    placeholderData: keepPreviousData,
  });
}

/** The newest 500, also of those that are switched off, to choose from and for their names: asked once a minute at most. */
export function useKnownSubscriptions() {
  return useQuery({
    queryKey: subscriptionKeys.known,
    queryFn: ({ signal }) =>
      unwrap(tenantApi.GET('/subscriptions', { params: { query: { active: 'all', limit: 500 } }, signal })),
    staleTime: 60_000,
  });
}

export function useSubscription(id: string) {
  return useQuery({
    queryKey: subscriptionKeys.one(id),
    queryFn: async ({ signal }) => (await readTagged(id, signal)).subscription,
    refetchInterval: LIVE_LIST,
  });
}

/** What a form begins with: read once, and again only when asked. */
export function useSubscriptionToEdit(id: string) {
  return useQuery({
    queryKey: subscriptionKeys.edited(id),
    queryFn: ({ signal }) => readTagged(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}

export async function readTagged(id: string, signal?: AbortSignal): Promise<Tagged> {
  const answer = await tenantApi.GET('/subscriptions/{id}', { params: byId(id), parseAs: 'text', signal });
  if (answer.data === undefined) throw new ApiProblem(answer.response.status, answer.error);
  const metadata = memberText(answer.data, 'metadata') ?? '{}';
  const subscription = {
    // the document promises a subscription
    ...(JSON.parse(answer.data) as Subscription),
    metadataText: /^\{\s*\}$/.test(metadata) ? '' : prettyJson(metadata),
  };
  return { subscription, etag: answer.response.headers.get('ETag') ?? '*' };
}

/** The answer has the secret in the clear: keep it in component state only. */
export function useCreateSubscription() {
  return useSubscriptionMutation(({ metadata, ...body }: SubscriptionInput) => {
    const bodySerializer = () => printMembers({ ...body, metadata });
    return unwrap(tenantApi.POST('/subscriptions', { body, bodySerializer }));
  });
}

/** The answer has the secret in the clear when the change made one: keep it in component state only. */
export function useChangeSubscription() {
  return useSubscriptionMutation(({ id, etag, body }: { id: string; etag: string; body: SubscriptionChange }) => {
    const params = { ...byId(id), header: { 'If-Match': etag } };
    const { metadata, ...rest } = body;
    const bodySerializer = () => printMembers({ ...rest, metadata });
    return unwrap(tenantApi.PATCH('/subscriptions/{id}', { params, body: rest, bodySerializer }));
  });
}

export function useSwitchSubscription() {
  return useSubscriptionMutation(({ id, on }: { id: string; on: boolean }) =>
    unwrap(
      on
        ? tenantApi.POST('/subscriptions/{id}/enable', { params: byId(id) })
        : tenantApi.POST('/subscriptions/{id}/disable', { params: byId(id) }),
    ),
  );
}

/** The answer has the new secret in the clear: keep it in component state only. */
export function useRotateSecret() {
  return useSubscriptionMutation(({ id, body }: { id: string; body: Schema<'Rotation'> }) =>
    unwrap(tenantApi.POST('/subscriptions/{id}/rotate-secret', { params: byId(id), body })),
  );
}

export function useDeleteSubscription() {
  return useSubscriptionMutation((id: string) => unwrap(tenantApi.DELETE('/subscriptions/{id}', { params: byId(id) })));
}

export function useTestSubscription() {
  return useMutation({
    mutationFn: ({ id, body: { payload, ...body } }: { id: string; body: WithPayload<Schema<'TestInput'>> }) =>
      unwrap(
        tenantApi.POST('/subscriptions/{id}/test', {
          params: byId(id),
          body,
          bodySerializer: () => printMembers({ ...body, payload }),
        }),
      ),
  });
}

export function usePreviewSubscription() {
  return useMutation({
    mutationFn: ({ id, body: { payload, ...body } }: { id: string; body: WithPayload<Schema<'PreviewInput'>> }) =>
      unwrap(
        tenantApi.POST('/subscriptions/{id}/preview', {
          params: byId(id),
          body,
          bodySerializer: () => printMembers({ ...body, payload }),
        }),
      ),
  });
}

function useSubscriptionMutation<Input, Answer>(mutationFn: (input: Input) => Promise<Answer>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => cache.invalidateQueries({ queryKey: subscriptionKeys.all }),
  });
}
