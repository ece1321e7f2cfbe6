CREATE TABLE `{table}` (window_start TIMESTAMP(3), window_end TIMESTAMP(3), {result_columns}) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '{sink}',
  'aws.region' = '{region}',
  'format' = 'json',
  'json.timestamp-format.standard' = 'SQL'
)
