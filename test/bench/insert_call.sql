SELECT inserted_once();
