-- What: deliveries by the kind of their last error and by an answer that is not one of the two usual ones.
-- Why:  a list of what failed in one way would pass everything else of the tenant. Neither holds what was answered with 200 or
--       204, so that a delivery that arrives costs no more than before. Claims change nothing of them.
-- Lock: SHARE on the deliveries while they are built, which reads them once (publishers wait). Safe beside an older binary: yes.
-- the tenant's newest deliveries whose last attempt failed in this way
CREATE INDEX webhook_deliveries_error_idx ON posthorn.webhook_deliveries (tenant_id, last_error_kind, id)
    WHERE last_error_kind IS NOT NULL;
-- the tenant's newest deliveries that were answered with this status (what nearly every delivery is answered with is left out)
CREATE INDEX webhook_deliveries_code_idx ON posthorn.webhook_deliveries (tenant_id, last_status_code, id)
    WHERE last_status_code <> 200 AND last_status_code <> 204;
