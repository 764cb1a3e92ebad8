from dashboards.files import write

write()
