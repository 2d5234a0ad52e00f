"""What is read of a forecast: tables, a page of HTML, a picture, JSON."""
