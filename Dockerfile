# freqtrade's own image with this package on top: same user, same /freqtrade/user_data.
FROM freqtradeorg/freqtrade:stable

COPY --chown=ftuser:ftuser . /tmp/freqtrade-liquidation
RUN pip install --user --no-cache-dir /tmp/freqtrade-liquidation

ENTRYPOINT ["freqtrade-liquidation"]
CMD ["trade"]
