CREATE TABLE rejected (kind STRING, reason STRING, event STRING, event_time TIMESTAMP(3), seen_at TIMESTAMP(3)) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '{rejected}',
  'aws.region' = '{region}',
  'format' = 'json',
  'json.timestamp-format.standard' = 'SQL'
)
