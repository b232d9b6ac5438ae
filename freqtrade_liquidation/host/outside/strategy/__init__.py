"""The only strategy that freqtrade's resolver finds in this folder is ours."""
