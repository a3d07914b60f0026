import Testing

/// Peers that break the rules or stall, and work that lasts: one after the other, because each measures the service.
@Suite(.serialized) struct AttackTests {}
