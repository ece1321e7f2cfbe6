-- Departures per carrier, delivered by Kinesis and Firehose.
SELECT carrier, count(*) AS departures
FROM "${streams}".departures
GROUP BY carrier
ORDER BY departures DESC, carrier
