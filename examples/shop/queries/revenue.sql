-- What the customers of each country spent.
SELECT country, count(*) AS orders, round(sum(amount), 2) AS revenue
FROM "${curated}".sales
GROUP BY country
ORDER BY country
