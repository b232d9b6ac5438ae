"""Where a person meets a liquidation. Parse, call, format: no trading rule lives here."""
