"""Rate limits: how often a sign-in, a code or a link may be tried."""
