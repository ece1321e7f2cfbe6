-- The hours of each month in which Seattle is warmer than San Francisco.
SELECT month, count_if(seattle > san_francisco) AS warmer_hours, count(*) AS hours
FROM "${curated}".temperatures
GROUP BY month
ORDER BY month
