"""How each cloud calls us: (event, context) -> Call, and the reply in that cloud's shape."""
