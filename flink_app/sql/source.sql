-- The events of a stream. None of them stops the job: a malformed one has a _reason, and only its _event is valid.
CREATE TABLE events (
  {columns},
  `_time` TIMESTAMP(3),
  `_reason` STRING,
  `_event` STRING,
  `_arrival` AS PROCTIME(),
  WATERMARK FOR `_time` AS `_time` - {lateness} - INTERVAL '0.001' SECOND
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '{source}',
  'aws.region' = '{region}',
  'source.init.position' = '{start}',
  'format' = 'events',
  'events.time' = '{time}',
  'events.ahead' = '{ahead} s'
)
