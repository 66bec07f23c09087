SELECT role, clearance, tier, transport, authentication FROM dataclass.session();
