"""A run by a process that is not the bot: agree with a bot that lives, close first, then book.

``asking``: leave it to a bot that answers. ``running``: do it here. ``booking``: afterwards.
``parts``: freqtrade's pieces without its bot.
"""
