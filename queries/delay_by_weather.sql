-- Does poor visibility delay departures?
SELECT CASE WHEN visib < 2 THEN 'under 2 miles' WHEN visib < 5 THEN '2 to 5 miles' ELSE '5 miles and more' END AS visibility,
       count(*) AS flights,
       round(avg(dep_delay), 1) AS mean_delay_minutes
FROM "${curated}".flights_enriched
WHERE visib IS NOT NULL AND dep_delay IS NOT NULL
GROUP BY 1
ORDER BY mean_delay_minutes DESC
