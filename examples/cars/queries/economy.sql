-- Miles per gallon by origin.
SELECT origin, count(*) AS cars, round(avg(miles_per_gallon), 2) AS miles_per_gallon
FROM "${curated}".economy
GROUP BY origin
ORDER BY origin
