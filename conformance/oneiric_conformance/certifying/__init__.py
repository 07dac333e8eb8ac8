"""From a report to a certificate: whose bytes were judged, and who says so."""
