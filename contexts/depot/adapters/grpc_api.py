from collections.abc import Callable, Sequence
from datetime import datetime

from contexts.depot.adapters.views import LIST_STATUS, view_of_bot, view_of_lists
from contexts.depot.application.arrive_at_store import ArriveAtStore, arrive_at_store
from contexts.depot.application.assign_shopping_list import AssignShoppingList, assign_shopping_list
from contexts.depot.application.bot_offline import BotOffline, bot_offline
from contexts.depot.application.bot_online import BotOnline, bot_online
from contexts.depot.application.check_shopping_list import CheckShoppingList, check_shopping_list
from contexts.depot.application.collect_item import CollectItem, collect_item
from contexts.depot.application.ports import BotLeases, Bots, Products, ShoppingLists, Stores
from contexts.depot.application.register_bot import RegisterBot, register_bot
from contexts.depot.application.report_missing_item import ReportMissingItem, report_missing_item
from contexts.depot.application.return_to_depot import ReturnToDepot, return_to_depot
from contexts.depot.application.start_shopping import StartShopping, start_shopping
from contexts.depot.contract import depot_pb2 as pb
from contexts.depot.domain import ListStatus, ShoppingList
from mallbots_platform.errors import InvalidInput
from mallbots_platform.grpc_server import read, write
from mallbots_platform.paging import Page
from mallbots_platform.validation import identifier, quantity, text


class DepotApi:
    def __init__(
        self,
        lists: ShoppingLists,
        bots: Bots,
        stores: Stores,
        products: Products,
        leases: BotLeases,
        new_id: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self.lists = lists
        self.bots = bots
        self.stores = stores
        self.products = products
        self.leases = leases
        self.new_id = new_id
        self.now = now

    @write
    def RegisterBot(self, request: pb.RegisterBotRequest) -> pb.RegisterBotResponse:
        command = RegisterBot(bot_id=self.new_id(), name=text(request.name, "name"))
        register_bot(command, self.bots)
        return pb.RegisterBotResponse(bot_id=command.bot_id)

    @write
    def BotOnline(self, request: pb.BotOnlineRequest) -> pb.BotOnlineResponse:
        command = BotOnline(bot_id=identifier(request.bot_id, "bot_id"), now=self.now())
        bot_online(command, self.lists, self.bots, self.leases)
        return pb.BotOnlineResponse()

    @write
    def BotOffline(self, request: pb.BotOfflineRequest) -> pb.BotOfflineResponse:
        bot_offline(BotOffline(bot_id=identifier(request.bot_id, "bot_id")), self.bots, self.leases)
        return pb.BotOfflineResponse()

    @write
    def AssignShoppingList(self, request: pb.AssignShoppingListRequest) -> pb.AssignShoppingListResponse:
        command = AssignShoppingList(bot_id=identifier(request.bot_id, "bot_id"))
        found = assign_shopping_list(command, self.lists, self.bots, self.leases)
        return pb.AssignShoppingListResponse(shopping_list=self._list(found) if found else None)

    @write
    def StartShopping(self, request: pb.StartShoppingRequest) -> pb.StartShoppingResponse:
        command = StartShopping(
            bot_id=identifier(request.bot_id, "bot_id"),
            shopping_list_id=identifier(request.shopping_list_id, "shopping_list_id"),
        )
        started = start_shopping(command, self.lists, self.bots, self.leases)
        return pb.StartShoppingResponse(shopping_list=self._list(started))

    @write
    def ArriveAtStore(self, request: pb.ArriveAtStoreRequest) -> pb.ArriveAtStoreResponse:
        command = ArriveAtStore(
            bot_id=identifier(request.bot_id, "bot_id"),
            shopping_list_id=identifier(request.shopping_list_id, "shopping_list_id"),
            store_id=identifier(request.store_id, "store_id"),
        )
        arrive_at_store(command, self.lists, self.bots, self.leases)
        return pb.ArriveAtStoreResponse()

    @write
    def CollectItem(self, request: pb.CollectItemRequest) -> pb.CollectItemResponse:
        command = CollectItem(
            bot_id=identifier(request.bot_id, "bot_id"),
            shopping_list_id=identifier(request.shopping_list_id, "shopping_list_id"),
            product_id=identifier(request.product_id, "product_id"),
            quantity=quantity(request.quantity, "quantity"),
        )
        collect_item(command, self.lists, self.bots, self.leases)
        return pb.CollectItemResponse()

    @write
    def ReportMissingItem(self, request: pb.ReportMissingItemRequest) -> pb.ReportMissingItemResponse:
        command = ReportMissingItem(
            bot_id=identifier(request.bot_id, "bot_id"),
            shopping_list_id=identifier(request.shopping_list_id, "shopping_list_id"),
            product_id=identifier(request.product_id, "product_id"),
            quantity=quantity(request.quantity, "quantity"),
        )
        report_missing_item(command, self.lists, self.bots, self.leases)
        return pb.ReportMissingItemResponse()

    @write
    def ReturnToDepot(self, request: pb.ReturnToDepotRequest) -> pb.ReturnToDepotResponse:
        command = ReturnToDepot(
            bot_id=identifier(request.bot_id, "bot_id"),
            shopping_list_id=identifier(request.shopping_list_id, "shopping_list_id"),
            now=self.now(),
        )
        return_to_depot(command, self.lists, self.bots, self.leases)
        return pb.ReturnToDepotResponse()

    @write
    def CheckShoppingList(self, request: pb.CheckShoppingListRequest) -> pb.CheckShoppingListResponse:
        command = CheckShoppingList(shopping_list_id=identifier(request.shopping_list_id, "shopping_list_id"))
        check_shopping_list(command, self.lists)
        return pb.CheckShoppingListResponse()

    @read
    def GetShoppingList(self, request: pb.GetShoppingListRequest) -> pb.GetShoppingListResponse:
        found = self.lists.get(identifier(request.shopping_list_id, "shopping_list_id"))
        return pb.GetShoppingListResponse(shopping_list=self._list(found))

    @read
    def ListShoppingLists(self, request: pb.ListShoppingListsRequest) -> pb.ListShoppingListsResponse:
        page = Page.of(request)
        order_id = identifier(request.order_id, "order_id") if request.order_id else ""
        found = self.lists.page(page.after, page.size, _status(request.status), order_id)
        token = page.next_token(found[-1].id if found else "", full=len(found) == page.size)
        return pb.ListShoppingListsResponse(shopping_lists=self._lists(found), next_page_token=token)

    @read
    def CountShoppingLists(self, request: pb.CountShoppingListsRequest) -> pb.CountShoppingListsResponse:
        counts = {status.value: count for status, count in self.lists.counts().items()}
        return pb.CountShoppingListsResponse(counts=counts)

    @read
    def GetBot(self, request: pb.GetBotRequest) -> pb.GetBotResponse:
        return pb.GetBotResponse(bot=view_of_bot(self.bots.get(identifier(request.bot_id, "bot_id"))))

    @read
    def ListBots(self, request: pb.ListBotsRequest) -> pb.ListBotsResponse:
        page = Page.of(request)
        found = self.bots.page(page.after, page.size)
        token = page.next_token(found[-1].id if found else "", full=len(found) == page.size)
        return pb.ListBotsResponse(bots=map(view_of_bot, found), next_page_token=token)

    @read
    def CountBots(self, request: pb.CountBotsRequest) -> pb.CountBotsResponse:
        return pb.CountBotsResponse(counts={status.value: count for status, count in self.bots.counts().items()})

    def _list(self, found: ShoppingList) -> pb.ShoppingList:
        return self._lists([found])[0]

    def _lists(self, found: Sequence[ShoppingList]) -> list[pb.ShoppingList]:
        return view_of_lists(found, self.stores, self.products)


def _status(wanted: int) -> ListStatus | None:
    if wanted == pb.SHOPPING_LIST_STATUS_UNSPECIFIED:
        return None
    found = next((status for status, name in LIST_STATUS.items() if name == wanted), None)
    if found is None:
        raise InvalidInput("status", f"{wanted} is no status of a shopping list")
    return found
