-- dispatchers/forget: drops dispatchers not seen for a week.
DELETE FROM posthorn.dispatchers WHERE seen_at < now() - interval '7 days'
