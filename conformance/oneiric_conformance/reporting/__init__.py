"""How a report is read again and shown: page, badge, summary. All of them work from the file alone."""
