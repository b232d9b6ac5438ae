"""The practice exchange as Binance: USDⓈ-M futures (``/fapi``) and spot (``/api``)."""
