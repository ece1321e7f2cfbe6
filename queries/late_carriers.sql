-- The five carriers with the most arrivals more than 15 minutes late.
SELECT airline, count(*) AS late_arrivals
FROM "${curated}".flights_enriched
WHERE late
GROUP BY airline
ORDER BY late_arrivals DESC, airline
LIMIT 5
