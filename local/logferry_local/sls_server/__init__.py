"""An embedded log store that speaks the Simple Log Service protocol: durable, signed, for one machine."""
