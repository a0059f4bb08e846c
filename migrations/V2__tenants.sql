-- What: tenants. Why: every other row belongs to one. Lock: none. Safe beside an older binary: yes.
CREATE TABLE posthorn.tenants (
    id uuid NOT NULL DEFAULT posthorn.uuid7(),
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT name_is_at_most_200_characters CHECK (char_length(name) <= 200)
);
COMMENT ON TABLE posthorn.tenants IS 'Who owns subscriptions and events. An event of a tenant that is not here is stored and marked, never refused.';
COMMENT ON COLUMN posthorn.tenants.id IS 'May be supplied, so that it can be the id your own system uses.';
COMMENT ON COLUMN posthorn.tenants.name IS 'For people.';
COMMENT ON COLUMN posthorn.tenants.created_at IS 'When the tenant was added.';

ALTER TABLE posthorn.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_row ON posthorn.tenants FOR SELECT TO posthorn_api USING (id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.tenants FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.tenants TO posthorn_api, posthorn_readonly;
