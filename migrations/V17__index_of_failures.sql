-- What: the index of finished deliveries by status holds what was not delivered, and nothing else.
-- Why:  nearly everything is delivered, so for that status the tenant's own index is as good; each index of this table costs
--       every delivery a microsecond or two and some 80 bytes of WAL when it is recorded.
-- Lock: SHARE on the finished deliveries while it is built, which reads them once. Safe beside an older binary: yes.
CREATE INDEX webhook_deliveries_done_failures_idx ON posthorn.webhook_deliveries_done (tenant_id, status, id)
    WHERE status <> 'delivered';
DROP INDEX posthorn.webhook_deliveries_done_status_idx;
