SELECT count(*) AS flights
FROM "${curated}".flights_enriched
