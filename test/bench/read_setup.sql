SECURITY LABEL FOR dataclass ON TABLE read_table IS 'restricted';
