"""
Networks made from other people's files: real stores and tariffs, shop systems, stock exports.

- ``us``: 1,037 stores, 10 warehouses, 9 services of FedEx and USPS at list prices (reads ``../shared/data``);
- ``fr``: French cities, Colissimo and Chronopost (reads ``../shared/data``);
- ``magento``: ``sources``, ``stock-source-links`` and ``source-items`` as Magento exports them;
- ``erp``: any CSV of stock, put into a network that exists already.

Each returns a `Network`; `engine.adapters.folder.write_network` makes a folder of it. What is made up is said in
``Network.synthetic``. ``reading``, ``synthetic``, ``articles`` and ``demand`` are what they share.
"""
