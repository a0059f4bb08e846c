-- queue/listening: whether this session still listens for wake-ups (a pooler or DISCARD may have ended it).
SELECT EXISTS (SELECT FROM pg_listening_channels() AS c (channel) WHERE c.channel = 'posthorn_wake') AS is_listening
