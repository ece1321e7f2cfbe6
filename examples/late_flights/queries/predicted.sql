SELECT d.origin, count(*) AS flights, round(avg(p.score), 3) AS predicted,
       round(avg(CASE WHEN d.late THEN 1e0 ELSE 0e0 END), 3) AS came_late
FROM ${ml}.late_flights_predictions AS p
JOIN ${curated}.departures AS d
  ON d.carrier = p.carrier AND d.flight = p.flight AND d.time_hour = p.known_at + INTERVAL '1' HOUR
WHERE d.late IS NOT NULL
GROUP BY d.origin
ORDER BY d.origin
